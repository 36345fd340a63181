select * from {{ relation_in('files', 'rows_of_' ~ model.name[4:]) }}
